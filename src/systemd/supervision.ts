/** What systemd asks of this process: sd_notify(3), sd_watchdog_enabled(3). */
export interface Supervision {
  /** It restarts a service that has not said for so long that it lives. Undefined: it does not watch. */
  readonly watchdogMs: number | undefined
}

/** Undefined where no service manager listens. */
export function supervisionOf(environment: NodeJS.ProcessEnv, pid: number): Supervision | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return undefined
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid)
  const microseconds = /^\d{1,15}$/.test(WATCHDOG_USEC ?? '') ? Number(WATCHDOG_USEC) : 0
  return { watchdogMs: isForUs && microseconds > 0 ? microseconds / 1_000 : undefined }
}
