import express from 'express';

/** An Express application is an app as it is. */
export function app() {
  const shop = express();
  shop.use(express.json());
  shop.get('/items/:id', (req, res) => void res.json({ id: req.params.id, base: req.baseUrl }));
  shop.get('/cup', (req, res) => res.redirect(`${req.baseUrl}/items/cup`));
  shop.post('/items', (req, res) => void res.status(201).json(req.body));
  return shop;
}
