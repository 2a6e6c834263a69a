"""Makes the Debian package of Tributary."""
