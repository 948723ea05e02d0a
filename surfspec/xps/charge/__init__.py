"""The energy scale of a charged sample: correction by a fitted line or a known shift, its record, its undoing."""
