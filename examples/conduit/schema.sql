CREATE TABLE users (
  id serial PRIMARY KEY,
  username text NOT NULL UNIQUE,
  email text NOT NULL UNIQUE,
  password text NOT NULL,
  bio text,
  image text
);
CREATE TABLE follows (
  follower int REFERENCES users ON DELETE CASCADE,
  followed int REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (follower, followed)
);
CREATE TABLE articles (
  id serial PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  title text NOT NULL,
  description text NOT NULL,
  body text NOT NULL,
  tags text[] NOT NULL,
  author int NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX ON articles (created_at DESC);
CREATE INDEX ON articles (author);
CREATE TABLE favorites (
  reader int REFERENCES users ON DELETE CASCADE,
  article int REFERENCES articles ON DELETE CASCADE,
  PRIMARY KEY (article, reader)
);
CREATE TABLE comments (
  id serial PRIMARY KEY,
  article int NOT NULL REFERENCES articles ON DELETE CASCADE,
  author int NOT NULL REFERENCES users ON DELETE CASCADE,
  body text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
