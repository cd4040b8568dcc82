"""Hosts that models are asked at: a look before the first question, and patience while one answers nothing."""
