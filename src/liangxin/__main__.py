"""`python -m liangxin` is the `liangxin` command."""

from liangxin.cli import main

main()
