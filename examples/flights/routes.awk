# routes.awk - routes between airport codes as a Matrix Market file of positions.
#   awk -f routes.awk airports.csv flights-airport.csv > flights.mtx
BEGIN { FS = "," }
FNR == 1 { files++; next }
files == 1 { position[$1] = ++airports; next }
{ routes++; line[routes] = position[$1] " " position[$2] " " $3 }
END {
	print "%%MatrixMarket matrix coordinate integer general"
	print airports, airports, routes
	for (r = 1; r <= routes; r++) print line[r]
}
