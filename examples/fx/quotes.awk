# quotes.awk - the currencies, how they are quoted, and their first rates.
#   awk -f quotes.awk fx_h10_2015_2024.csv > currencies.csv
BEGIN { FS = ","; print "code,per_usd,quote" }
FNR == 1 { for (c = 2; c <= NF; c++) { name[c] = $c; per_usd[c] = $c ~ /^US/ ? 0 : 1 } }
FNR == 3 { sub(/\r$/, ""); for (c = 2; c <= NF; c++) print name[c] "," per_usd[c] "," $c; exit }
