/** Runs inside the page: what of a screen can be measured. */

export interface Measured {
  /** Everything that a finger can mean, whose smaller side is below `minMm`. */
  small: string[]
  /** Texts below the contrast asked for. */
  faint: string[]
  /** What sticks out of the screen or is cut. */
  clipped: string[]
  /** Controls that lie on one another, or on a text. */
  overlapping: string[]
}

export function measure({
  pxPerMm,
  minMm,
  contrast,
}: {
  pxPerMm: number
  minMm: number
  contrast: number
}): Measured {
  const visible = (element: Element): boolean =>
    element.checkVisibility() && !element.matches('.unseen, .unseen *')
  const name = (element: Element): string =>
    `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''} "${element.textContent.slice(0, 30)}"`
  const all = [...document.querySelectorAll('body *')].filter(visible)

  const touched = 'a, button, input, select, textarea, summary, [role="button"], label:has(input)'
  // A box within its label is touched with it.
  const targets = all.filter((element) => element.matches(touched) && !element.matches('label input'))
  const small = targets
    .filter((element) => {
      const { width, height } = element.getBoundingClientRect()
      return Math.min(width, height) < minMm * pxPerMm - 0.6
    })
    .map((element) => {
      const { width, height } = element.getBoundingClientRect()
      return `${name(element)} ${(width / pxPerMm).toFixed(1)} x ${(height / pxPerMm).toFixed(1)} mm`
    })

  const channels = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const groundOf = (element: Element | null): string => {
    if (element === null) return 'rgb(255, 255, 255)'
    const { backgroundColor } = getComputedStyle(element)
    const [, , , alpha = 1] = channels(backgroundColor)
    return alpha === 0 ? groundOf(element.parentElement) : backgroundColor
  }
  const faint = all
    .filter(
      (element) =>
        element.matches('.ask > input') ||
        element.matches('path') ||
        [...element.childNodes].some((node) => node.nodeType === 3 && (node.textContent ?? '').trim() !== ''),
    )
    .flatMap((element) => {
      const style = getComputedStyle(element)
      const color = element.matches('path') ? style.stroke : style.color
      const [light = 0, dark = 0] = [luminance(color), luminance(groundOf(element))].sort((a, b) => b - a)
      const ratio = (light + 0.05) / (dark + 0.05)
      return ratio < contrast ? [`${name(element)} ${ratio.toFixed(1)}`] : []
    })

  const clipped: string[] = []
  if (document.documentElement.scrollWidth > innerWidth)
    clipped.push(`page ${String(document.documentElement.scrollWidth)} wide`)
  for (const element of targets) {
    if (element.scrollWidth > element.clientWidth + 1 && !(element instanceof HTMLInputElement))
      clipped.push(name(element))
    const { left, right, bottom } = element.getBoundingClientRect()
    // What leads on is there without scrolling.
    if (element.matches('.next, .primary') && bottom > innerHeight + 0.5) clipped.push(name(element))
    if (left < -0.5 || right > innerWidth + 0.5) clipped.push(name(element))
  }

  const overlapping: string[] = []
  const textBox = (element: Element): DOMRect => {
    const range = document.createRange()
    range.selectNodeContents(element)
    return range.getBoundingClientRect()
  }
  const boxes = targets.map((element) => ({ element, box: element.getBoundingClientRect() }))
  const texts = all
    .filter(
      (element) => element.matches('h1, h2, h3, p, dt, dd, li') && !element.matches('button *, label *'),
    )
    .map((element) => ({ element, box: textBox(element) }))
  for (const { element, box } of texts)
    if (box.left < -0.5 || box.right > innerWidth + 0.5) clipped.push(name(element))
  for (const [index, one] of boxes.entries()) {
    for (const other of [...boxes.slice(index + 1), ...texts]) {
      if (other.element.contains(one.element)) continue
      // A bar that stays at the foot while a long list scrolls below it is meant.
      if (one.element.closest('footer') !== other.element.closest('footer')) continue
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left)
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top)
      if (wide > 1 && high > 1) overlapping.push(`${name(one.element)} and ${name(other.element)}`)
    }
  }
  return { small, faint, clipped, overlapping }
}
