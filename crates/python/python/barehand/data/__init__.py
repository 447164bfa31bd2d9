"""Data sets, samplers and batches, under the names of `torch.utils.data`.

>>> from barehand.data import DataLoader, datasets, transforms
>>> train = datasets.embedded(train=True, transform=transforms.ToTensor())
>>> images, labels = next(iter(DataLoader(train, batch_size=64, shuffle=True)))
>>> images.shape[0], labels.shape
(64, (64,))
"""

from barehand.data import datasets as datasets
from barehand.data import transforms as transforms
from barehand.data.collate import default_collate as default_collate
from barehand.data.collate import default_convert as default_convert
from barehand.data.dataset import ConcatDataset as ConcatDataset
from barehand.data.dataset import Dataset as Dataset
from barehand.data.dataset import IterableDataset as IterableDataset
from barehand.data.dataset import Subset as Subset
from barehand.data.dataset import TensorDataset as TensorDataset
from barehand.data.dataset import random_split as random_split
from barehand.data.loader import DataLoader as DataLoader
from barehand.data.sampler import BatchSampler as BatchSampler
from barehand.data.sampler import RandomSampler as RandomSampler
from barehand.data.sampler import Sampler as Sampler
from barehand.data.sampler import SequentialSampler as SequentialSampler
from barehand.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from barehand.data.sampler import WeightedRandomSampler as WeightedRandomSampler
from barehand.data.text import CharVocabulary as CharVocabulary
from barehand.data.text import TokenWindows as TokenWindows
from barehand.data.text import read_text as read_text
