import { homedir } from 'node:os'
import { join } from 'node:path'

/** What takes a minute to build and is the same in each run: Go and Rust programs. Not in the run's own temporary directory. */
export const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'powerloom-bootstrap-interop')
