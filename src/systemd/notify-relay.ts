import { type ChildProcess, spawn } from 'node:child_process'
import type { Logger } from '../observe/logger.ts'

/**
 * Hands each line it reads to systemd-notify. A signal to all processes of the service is meant for the node.
 * 127 as from a shell that finds no command.
 */
const script = `trap '' HUP INT TERM USR1 USR2
command -v systemd-notify >/dev/null || exit 127
while IFS= read -r line; do systemd-notify -- "$line"; done`

/** A systemd that does not read must not fill the memory: it would be told nothing new anyway. */
const maxWaitingBytes = 4 * 1024

/**
 * Tells systemd of this process (sd_notify(3)): its socket is a Unix datagram socket, which Node does not have. A shell that
 * lives as long as this process starts systemd-notify, which is there wherever systemd is. A write to it takes 0.1 ms; a node of
 * 2 GB that started systemd-notify by itself would stand still for 50 ms each time, copying its page tables.
 */
export class NotifyRelay {
  readonly #logger: Logger
  #child: ChildProcess | undefined
  #isTold = false

  constructor(logger: Logger) {
    this.#logger = logger
    // now, as what the node opens later (LevelDB's files) would be open in the shell too
    this.#child = this.#start()
  }

  /** @param assignment such as `READY=1`, one line */
  notify(assignment: string): void {
    this.#child ??= this.#start()
    const { stdin } = this.#child
    if (stdin === null || stdin.writableLength > maxWaitingBytes) return
    stdin.write(`${assignment}\n`)
  }

  /** The shell ends when it has read all. */
  close(): void {
    this.#child?.stdin?.end()
  }

  #start(): ChildProcess {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'inherit'] })
    child.unref()
    // one that ended says so below
    child.stdin.on('error', () => {})
    child.on('error', (error) => this.#ended(child, error.message))
    child.on('exit', (code, signal) => {
      this.#ended(child, code === 127 ? 'systemd-notify is not installed' : `ended with ${code ?? signal}`)
    })
    return child
  }

  /** The next notification starts it anew: without a watchdog's sign of life systemd would end a node that is well. */
  #ended(child: ChildProcess, why: string): void {
    if (this.#child === child) this.#child = undefined
    if (this.#isTold || child.stdin?.writableEnded === true) return
    this.#isTold = true
    this.#logger.warn(`systemd cannot be told how this service does (${why}); with Type=notify it will end it`)
  }
}
