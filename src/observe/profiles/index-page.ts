import { type Endpoint, ROOT } from './endpoints.ts'

export function indexPage(endpoints: readonly Endpoint[]): string {
  const rows = endpoints.map(({ name, help }) => `<dt><a href="${link(name)}">${name}</a></dt><dd>${help}</dd>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${ROOT}</title></head>
<body><h1>${ROOT}</h1>
<dl>
${rows.join('\n')}
<dt><a href="goroutine?debug=2">full goroutine dump</a></dt><dd>The same as goroutine?debug=2.</dd>
</dl>
<p>For example: <code>go tool pprof -top -inuse_space http://ADDRESS${ROOT}heap</code></p>
</body></html>
`
}

/** The paths that exist, for one who asked for another. */
export function pathList(endpoints: readonly Endpoint[]): string {
  return ['no such profile; there are:', ROOT, ...endpoints.map(({ name }) => `${ROOT}${name}`), ''].join('\n')
}

function link(name: string): string {
  return name === 'goroutine' ? 'goroutine?debug=1' : name
}
