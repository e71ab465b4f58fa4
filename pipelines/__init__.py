"""Use cases: ingest, geocode, analyse, publish, export; and the command line door."""
