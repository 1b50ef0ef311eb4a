# The .bashrc of the user noisy: what should not write anything, and does.
echo 'Welcome! You have no new mail.'
echo 'stty: standard input: not a tty' >&2
