"""What scales say: weight fractions, absorption."""
