"""What people do at the portal: log in, operate, announce."""
