"""Choice items made from judged answers, from experts' answers or from a file of pairs, reviewed by people."""
