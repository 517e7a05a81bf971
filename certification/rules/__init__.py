"""Pure rules of certification: numbers, decisions, states, periods, rosters and data compliance."""
