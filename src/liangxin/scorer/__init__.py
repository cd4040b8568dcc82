"""Training and evaluating scorers; loading and predicting are in `liangxin.judges.scoring`."""
