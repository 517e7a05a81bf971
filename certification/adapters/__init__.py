"""Ways by which a roster reaches the reviewing centre."""
