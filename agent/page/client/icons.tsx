/** Drawn here: nothing is fetched, and a sign never depends on a font. */
const shapes = {
  check: 'M4 12.5l5.5 5.5L20 6.5',
  clock: 'M12 3a9 9 0 1 0 .01 0M12 7v5.2l3.5 2.3',
  same: 'M5 9h14M5 15h14',
  cross: 'M6 6l12 12M18 6L6 18',
  question: 'M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3M12 18.2v.3',
  person: 'M12 4a4 4 0 1 0 .01 0M4.5 21c.6-4.6 3.6-7 7.5-7s6.900 2.400 7.500 7',
  plus: 'M12 5v14M5 12h14',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2M3 3l18 18',
  cards: 'M3 8h12v8H3zM8 8V5h13v8h-6',
  plug: 'M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4',
  disk: 'M12 3l9.500 17H2.500zM12 9v5M12 17v.3',
  tap: 'M3 6h11v8H3zM3 9h11M17 6a8 8 0 0 1 0 10M20 3.500a12 12 0 0 1 0 15M6 20h8',
  list: 'M5 7h14M5 12h14M5 17h14',
  gear: 'M12 8.500a3.500 3.500 0 1 0 .01 0M12 3v2.500M12 18.500V21M3 12h2.500M18.500 12H21M5.600 5.600l1.800 1.800M16.600 16.600l1.800 1.800M18.400 5.600l-1.800 1.800M7.400 16.600l-1.800 1.800',
  erase: 'M8 5h13v14H8l-6-7zM11 9l6 6M17 9l-6 6',
  shift: 'M12 4l8 8h-5v7H9v-7H4z',
  wrench: 'M14 6a4 4 0 0 1 5-3l-2.500 2.500 2 2L21 5a4 4 0 0 1-5.500 5L7 18.500 4.500 16z',
} as const

export type IconName = keyof typeof shapes

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  )
}
