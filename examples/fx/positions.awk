# positions.awk - invents positions, the same every time: multiplicative congruential random numbers (16807, 2^31 - 1)
# from a seed; each step is exact in the arithmetic of awk.
#   awk -v seed=1 -v n=10000 -f positions.awk fx_h10_2015_2024.csv > positions.csv
# A position has a currency, a book, an amount in units of the currency worth about 1,000 to 101,000 dollars (a third of them
# sold short), and what it cost: its worth at the first rates, give or take 5 %.
function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
BEGIN { FS = "," }
FNR == 1 { for (c = 2; c <= NF; c++) { name[c - 2] = $c; per_usd[c - 2] = $c !~ /^US/ } currencies = NF - 1 }
FNR == 3 { for (c = 2; c <= NF; c++) rate[c - 2] = $c }
END {
	print "currency,book,amount,cost"
	for (i = 0; i < n; i++) {
		c = int(random() * currencies); b = int(random() * 20)
		worth = 1000 + int(random() * 100000)
		if (random() < 0.333) worth = -worth
		usd = per_usd[c] ? 1 / rate[c] : rate[c]
		printf "%d,%d,%.2f,%.2f\n", c, b, worth / usd, worth * (0.95 + 0.1 * random())
	}
}
