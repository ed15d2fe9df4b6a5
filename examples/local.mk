# examples/: a folder each, with its program, data, run.yaml and README.md, which is run as a test.
EXAMPLES = \
	%D%/README.md \
	%D%/embed/README.md %D%/embed/desk.deltas %D%/embed/desk.mmsb %D%/embed/embed.c \
	%D%/flights/README.md %D%/flights/airports.csv %D%/flights/close.awk %D%/flights/close.deltas \
	%D%/flights/flights-airport.csv %D%/flights/flights.mmsb %D%/flights/flights.mtx %D%/flights/routes.awk \
	%D%/flights/run.yaml \
	%D%/fx/README.md %D%/fx/currencies.csv %D%/fx/fx.mmsb %D%/fx/fx_h10_2015_2024.csv %D%/fx/positions.awk \
	%D%/fx/positions.csv %D%/fx/quotes.awk %D%/fx/run.yaml %D%/fx/ticks.awk %D%/fx/ticks.deltas \
	%D%/life/README.md %D%/life/gun.csv %D%/life/heat.mmsb %D%/life/heat.yaml %D%/life/life.mmsb %D%/life/plate.csv \
	%D%/life/run.yaml \
	%D%/terrain/README.md %D%/terrain/dam.deltas %D%/terrain/height.npy %D%/terrain/run.yaml %D%/terrain/terrain.mmsb
EXTRA_DIST += $(EXAMPLES)
