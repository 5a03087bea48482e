"""Look inside a classifier: what its layers keep of an image, and which images excite its units.

Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020 (arXiv 1711.10925), sections 3.4
and 3.5; before, with a total variation prior, Mahendran and Vedaldi, CVPR 2015 and IJCV 2016.
"""
