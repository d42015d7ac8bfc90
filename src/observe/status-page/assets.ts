import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Reply, Route } from '../http/server.ts'

/**
 * Nothing but the page's own files runs or is loaded: what peers say of themselves stands on this page. uPlot sets styles
 * through the CSSOM, which `style-src` does not concern.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

const common = {
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin'
}

const files = [
  { name: 'page.js', type: 'text/javascript; charset=utf-8' },
  { name: 'page.css', type: 'text/css; charset=utf-8' }
]

/**
 * The page and what it loads. An asset's path changes with its content, so browsers keep it for good.
 *
 * @param directory what scripts/bundle.mjs has built
 * @throws errors of the file system
 */
export function assetRoutes(directory: URL): [string, Route][] {
  let html = readFileSync(new URL('index.html', directory), 'utf8')
  const routes = files.map(({ name, type }): [string, Route] => {
    const content = readFileSync(new URL(name, directory))
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12)
    const path = `/assets/${hash}/${name}`
    html = html.replace(`assets/${name}`, path.slice(1))
    return [path, file(content, type, { 'cache-control': 'public, max-age=31536000, immutable' })]
  })
  const page = file(Buffer.from(html), 'text/html; charset=utf-8', { 'cache-control': 'no-cache' })
  return [['/', { ...page, mayBeLinked: true }], ...routes]
}

function file(content: Uint8Array, type: string, headers: Readonly<Record<string, string>>): Route {
  const reply: Reply = { headers: { ...common, 'content-type': type, ...headers }, body: async () => content }
  return { reply: () => reply }
}
