"""How far two judges, or several people, agree: coefficients with intervals, and where nothing can be said."""
