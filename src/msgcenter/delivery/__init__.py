"""What happens after the answer: fan-out and scheduled delivery, as jobs."""
