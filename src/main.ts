#!/usr/bin/env node
// The process and nothing else: arguments, signals, exit code.
import './memory/young-generation.ts'
import { messageOf } from './errors.ts'
import { StopRequests } from './stop-requests.ts'

const stop = new StopRequests()
try {
  const argv = process.argv.slice(2)
  // loaded only now: half a second in which a signal must find its handler already, and clients an open port
  const { earlyPorts } = await import('./early-ports.ts')
  const ports = await earlyPorts(argv, process.env)
  const { main } = await import('./commands.ts')
  process.exitCode = await main(argv, stop, ports)
} catch (error) {
  const isConfigError = error instanceof Error && error.name === 'ConfigError'
  process.stderr.write(`${isConfigError ? messageOf(error) : (error as Error).stack}\n`)
  process.exitCode = isConfigError ? 2 : 1
}
// whatever a library left open (timers, sockets of abandoned steps) does not keep a stopped node alive
process.exit()
