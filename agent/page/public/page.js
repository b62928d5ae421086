// Shows what the agent says and holds nothing: every outcome on the screen is already on the agent's disk.

const texts = {
  es: {
    idle: ['calm', '○', 'Bienvenido', 'Pide al personal que registre tus datos y acerca tu tarjeta.'],
    waiting: ['calm', '▼', 'Acerca tu tarjeta', 'Ponla sobre el lector y espera la señal.'],
    saved: [
      'wait',
      '✓',
      'Guardado',
      'Tu registro está guardado aquí y se enviará solo. Aún no está confirmado.',
    ],
    registered: ['good', '✓', 'Listo', 'Tu tarjeta ya está activa. Puedes retirarla.'],
    duplicate: [
      'calm',
      '＝',
      'Tarjeta ya registrada',
      'Esta tarjeta ya estaba registrada. No se cambió nada.',
    ],
    rejected: ['bad', '✕', 'No se pudo registrar', 'Tu tarjeta no quedó registrada. Habla con el personal.'],
    unclaimed: [
      'wait',
      '?',
      'Tarjeta leída',
      'Primero pide al personal que registre tus datos. No se guardó nada.',
    ],
    random: [
      'bad',
      '✕',
      'Usa la tarjeta, no el teléfono',
      'Acerca la tarjeta misma: el número de un teléfono cambia cada vez. No se guardó nada.',
    ],
    expired: [
      'wait',
      '…',
      'Se acabó el tiempo',
      'No se acercó ninguna tarjeta. Pide al personal que empiece otra vez.',
    ],
    noReader: 'El lector no responde. Avisa al personal.',
    offline: 'Sin conexión: los registros se guardan aquí y se envían solos.',
    lost: 'El quiosco está reiniciando…',
    code: 'Código',
  },
  en: {
    idle: ['calm', '○', 'Welcome', 'Ask the staff to enter your data, then hold your card to the reader.'],
    waiting: ['calm', '▼', 'Hold your card to the reader', 'Leave it there until the sign comes.'],
    saved: [
      'wait',
      '✓',
      'Saved',
      'Your registration is saved here and sends itself. It is not confirmed yet.',
    ],
    registered: ['good', '✓', 'Done', 'Your card is active. You may take it.'],
    duplicate: [
      'calm',
      '＝',
      'Card already registered',
      'This card was registered before. Nothing was changed.',
    ],
    rejected: ['bad', '✕', 'Not registered', 'Your card was not registered. Please talk to the staff.'],
    unclaimed: ['wait', '?', 'Card read', 'First ask the staff to enter your data. Nothing was saved.'],
    random: [
      'bad',
      '✕',
      'Use the card, not the phone',
      'Hold the card itself to the reader: the number of a phone changes each time. Nothing was saved.',
    ],
    expired: ['wait', '…', 'Time is up', 'No card was held to the reader. Ask the staff to start again.'],
    noReader: 'The reader does not answer. Please tell the staff.',
    offline: 'Offline: registrations are saved here and send themselves.',
    lost: 'The kiosk is restarting…',
    code: 'Code',
  },
}

const element = (id) => document.getElementById(id)
let language = texts.es

function show({ screen, readerReady, serverOnline, language: name }) {
  language = texts[name] ?? texts.es
  document.documentElement.lang = name
  const [tone, sign, title, text] = language[screen.name]
  document.body.dataset.tone = tone
  element('sign').textContent = sign
  element('title').textContent = title
  element('text').textContent = text
  element('code').textContent = screen.code === null ? '' : `${language.code} ${screen.code}`
  element('strip').textContent = !readerReady ? language.noReader : serverOnline ? '' : language.offline
}

const events = new EventSource('/events')
events.onmessage = ({ data }) => show(JSON.parse(data))
events.onerror = () => {
  element('strip').textContent = language.lost
}
