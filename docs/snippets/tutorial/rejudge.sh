liangxin judge graded --judge rule
