// All text goes through textContent: names that peers give themselves are hostile.

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found
}

/** Touches the page only when something changes, so that nothing flickers and screen readers stay quiet. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}

export function element(tag: string, className = '', text = ''): HTMLElement {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  if (text !== '') made.textContent = text
  return made
}

/**
 * Makes the children of `parent` as many as there are items, and fills each anew.
 *
 * @param make an empty child
 * @param fill writes an item into a child
 */
export function fillList<T>(
  parent: Element,
  items: readonly T[],
  make: () => HTMLElement,
  fill: (child: Element, item: T) => void
): void {
  while (parent.children.length > items.length) parent.lastElementChild?.remove()
  while (parent.children.length < items.length) parent.append(make())
  items.forEach((item, i) => {
    const child = parent.children[i]
    if (child !== undefined) fill(child, item)
  })
}

/** A table's body: the first cell of a row names it, the others are numbers. */
export function fillRows(body: Element, rows: readonly (readonly string[])[], whenEmpty: string): void {
  const columns = body.closest('table')?.querySelectorAll('thead th').length ?? 1
  const isEmpty = rows.length === 0
  if (body.hasAttribute('data-empty') !== isEmpty) body.replaceChildren()
  body.toggleAttribute('data-empty', isEmpty)
  if (isEmpty) {
    fillList(
      body,
      [whenEmpty],
      () => emptyRow(columns),
      (row, text) => setText(row.children[0] ?? row, text)
    )
    return
  }
  fillList(
    body,
    rows,
    () => rowOf(columns),
    (row, texts) => {
      texts.forEach((text, i) => {
        const cell = row.children[i]
        if (cell !== undefined) setText(cell, text)
      })
    }
  )
}

function rowOf(columns: number): HTMLElement {
  const row = element('tr')
  const name = element('th', 'name')
  name.setAttribute('scope', 'row')
  row.append(name, ...Array.from({ length: columns - 1 }, () => element('td', 'number')))
  return row
}

function emptyRow(columns: number): HTMLElement {
  const row = element('tr')
  const cell = element('td', 'hint')
  cell.setAttribute('colspan', String(columns))
  row.append(cell)
  return row
}

/** A part that scrolls must be reached by keyboard, and have a name; one that does not must not be in the way. */
export function nameScrollers(): void {
  for (const part of document.querySelectorAll<HTMLElement>('.scroll')) {
    const scrolls = part.scrollHeight > part.clientHeight
    if (scrolls === part.hasAttribute('tabindex')) continue
    const attributes = { tabindex: '0', role: 'group', 'aria-labelledby': part.dataset.label ?? '' }
    for (const [name, value] of Object.entries(attributes)) {
      if (scrolls) part.setAttribute(name, value)
      else part.removeAttribute(name)
    }
  }
}
