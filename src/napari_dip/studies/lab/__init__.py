"""The prior lab: studies that look inside the deep image prior."""
