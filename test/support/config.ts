import { type Config, loadConfig } from '../../src/config/index.ts'

/** A configuration as an operator's environment makes it, on loopback, with what a test wants otherwise. */
export function testConfig(environment: Record<string, string> = {}, changes: Partial<Config> = {}): Config {
  const config = loadConfig({
    arguments: { flags: new Map(), problems: [] },
    environment: { LISTEN_ADDRESS: '127.0.0.1', ...environment },
    dotenv: { values: {} },
    whyNotWritable: () => undefined
  })
  return { ...config, port: 0, ...changes }
}
