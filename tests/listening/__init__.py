"""The matcher against the reference, on as many generated and real posts as there is time for."""
