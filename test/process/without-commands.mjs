// A loader under which src/commands.ts is waited for and never comes.
import { register } from 'node:module'

const hooks = `export const resolve = (specifier, context, next) =>
  specifier.includes('/commands-') ? new Promise(() => {}) : next(specifier, context)`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
