package infrahub

// IdleTimeout is how long a change waits for the end of earlier imports.
const IdleTimeout = idleTimeout

// ErrStillRunning returns the cause of an UnfinishedError of an import that nobody waited for.
func ErrStillRunning() error { return errStillRunning }
