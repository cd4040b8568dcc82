"""Loading a scorer and predicting with it; training and evaluation live in `liangxin.scorer`."""
