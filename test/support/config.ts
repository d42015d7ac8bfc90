import { type Config, configFrom } from '../../src/config/index.ts'
import { stackOfTheRun } from './stack.ts'

/** A configuration as an operator's environment makes it, on loopback, with what a test wants otherwise. */
export function testConfig(environment: Record<string, string> = {}, changes: Partial<Config> = {}): Config {
  return { ...configFrom({ LISTEN_ADDRESS: '127.0.0.1', ...stackOfTheRun, ...environment }), port: 0, ...changes }
}
