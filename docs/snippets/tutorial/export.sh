liangxin report graded --output graded.html
liangxin export graded --output graded.csv
liangxin runs
