// Loaded before everything else of the node, so that its port is closed as briefly as can be.
import { ConfigError, loadConfig, readArguments, readDotenv } from './config/index.ts'
import { Ports } from './connection/lean/ports.ts'
import { forgetPassedSockets, passedSockets } from './host/activation.ts'

/**
 * The ports of the node that is about to start: those that were passed to this process, or else its own, open from now
 * on. A command that is no node, and settings that are wrong, open none: commands.ts deals with them.
 *
 * @throws ConfigError when sockets were passed in a way that cannot be read
 */
export async function earlyPorts(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ports> {
  const ports = new Ports(passedSockets(environment, process.pid))
  forgetPassedSockets(environment)
  try {
    const args = readArguments(argv)
    if (args.problems.length > 0 || args.command.name !== 'run') return ports
    const dotenv = readDotenv('.env')
    const config = loadConfig({ arguments: args, environment, dotenv, whyNotWritable: () => undefined })
    // the libraries open their ports themselves
    if (config.connectionStack === 'lean') await ports.openEarly(config.listenAddresses, config.port)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
  }
  return ports
}
