# ticks.awk - each day's rates as one epoch of deltas, from the day after the first full one; blank cells are no ticks.
#   awk -f ticks.awk fx_h10_2015_2024.csv > ticks.deltas
BEGIN { FS = "," }
FNR > 3 {
	sub(/\r$/, "")
	print "# " $1
	for (c = 2; c <= NF; c++) if ($c != "") print "quote," c - 2 "," $c
	print "commit"
}
