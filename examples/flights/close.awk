# close.awk - deltas that close an airport (one epoch) and open it again (the next).
#   awk -v code=ATL -f close.awk airports.csv flights-airport.csv > close.deltas
BEGIN { FS = "," }
FNR == 1 { files++; next }
files == 1 { position[$1] = airports++; next }
$1 == code || $2 == code { routes++; at[routes] = position[$1] "," position[$2]; flights[routes] = $3 }
END {
	print "# " code " closes"
	for (r = 1; r <= routes; r++) print "flights," at[r] ",-"
	print "commit"
	print "# and opens again"
	for (r = 1; r <= routes; r++) print "flights," at[r] "," flights[r]
	print "commit"
}
