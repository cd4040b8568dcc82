"""Tests and decisions: does a rate meet a bound, do two models differ, how sure is a rank."""
