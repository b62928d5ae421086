import { render } from 'preact'
import { App } from './app.tsx'
import './style.css'

const page = document.getElementById('page')
if (page !== null) render(<App />, page)

// A page that stays when the agent is away; where the browser has none, everything else works without.
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js').catch(() => undefined)
// Long presses and pinches belong to the kiosk, not to the browser's menus.
addEventListener('contextmenu', (event) => {
  event.preventDefault()
})
addEventListener('dragstart', (event) => {
  event.preventDefault()
})
