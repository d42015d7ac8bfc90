// A bootstrap node as a part of another program: started, looked at, closed. See "In a program of your own" in the README.
import { BootstrapError, BootstrapNode, type Config, ConfigError, configFrom } from '@powerloom/bootstrap-node'

/** The settings are those of the README's table; port 0 lets the system choose. */
function configuration(): Config {
  return { ...configFrom({ LISTEN_ADDRESS: '127.0.0.1', ENABLE_RELAY_SERVICE: 'false' }), port: 0 }
}

try {
  const node = await BootstrapNode.create(configuration())
  process.stdout.write(`listening on ${node.address()}\n`)

  node.libp2p.addEventListener('peer:connect', ({ detail: peer }) => {
    process.stdout.write(`${peer} came; ${node.status().connected} peers are connected\n`)
  })

  const stop = async (): Promise<void> => {
    await node.close()
    process.stdout.write('closed\n')
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
} catch (error) {
  // each says what happened and what to do
  if (!(error instanceof BootstrapError) && !(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
