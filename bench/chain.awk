# chain.awk - n scalar pages, each `out` and following from the one before: awk -v n=1000 -f chain.awk
BEGIN {
	print "page p0 : f64 in;"
	for (i = 1; i <= n; i++)
		printf "page p%d : f64 out;\nedge p%d <- p%d * 0.999 + 1.0;\n", i, i, i - 1
}
