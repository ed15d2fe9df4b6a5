# large.awk - a program of n pages, each following from two before it: awk -v n=500 -f large.awk
BEGIN {
	print "param N, K;\npage p0 : f64[N] in;\npage p1 : f64[N] in;\npage key : index(K)[N] in;"
	for (i = 2; i < n - 1; i++) {
		printf "page p%d : f64[N]%s;\n", i, i % 7 == 0 ? " out" : ""
		if (i % 5 == 0)
			printf "edge p%d[i] <- (sum[j where j <= i] p%d[j]) * 0.5 + p%d[i];\n", i, i - 1, i - 2
		else if (i % 5 == 1)
			printf "edge p%d[i] <- clamp(p%d)[i - 1] - mirror(p%d)[i + 1] + exp(-p%d[i]);\n", i, i - 1, i - 1, i - 2
		else
			printf "edge p%d[i] <- if p%d[i] > 0.0 then p%d[i] * p%d[i] + %d.5 else min(p%d[i], p%d[i]);\n", i, i - 1, i - 1, i - 2, i, i - 2, i - 1
	}
}
