"""Tables, SQL and nothing else; the only place where PostGIS and the GeoPackage differ."""
