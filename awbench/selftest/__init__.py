"""How the referee is tested: known answers, known damages, known tricks, and what the metrics make of them."""
