# deltas.awk - a million lines of deltas of a page of 100,000 prices, committed every 1,000: awk -f deltas.awk
BEGIN {
	seed = 1
	for (i = 1; i <= 1000000; i++) {
		seed = (seed * 16807) % 2147483647
		printf "price,%d,%d.%02d\n", seed % 100000, 50 + seed % 97, seed % 100
		if (i % 1000 == 0) print "commit"
	}
}
