"""The reconciler: makes sessions, tasks and publishers agree, whatever was lost on the way."""
